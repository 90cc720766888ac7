// What an SVG title says is shown at once, and on a phone too; without this script the browser shows it in its own way.
const tip = document.createElement("div");
tip.id = "tip";
tip.hidden = true;
document.body.append(tip);
for (const title of document.querySelectorAll("svg.chart title")) {
  const target = title.parentNode, words = title.textContent;
  title.remove();
  target.setAttribute("aria-label", words);
  const show = (event) => {
    tip.textContent = words;
    tip.hidden = false;
    const left = event.pageX + 14, widest = document.documentElement.clientWidth - tip.offsetWidth - 8;
    tip.style.left = Math.max(8, Math.min(left, widest)) + "px";
    tip.style.top = event.pageY - tip.offsetHeight - 12 + "px";
  };
  target.addEventListener("pointermove", show);
  target.addEventListener("pointerdown", show);
  target.addEventListener("pointerleave", () => { tip.hidden = true; });
}
addEventListener("beforeprint", () => {
  for (const story of document.querySelectorAll("details.timeline")) story.open = true;
});
