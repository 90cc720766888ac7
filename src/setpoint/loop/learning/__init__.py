"""From a log to a candidate that a gate has judged: training sets, trainings, contests, receipts."""
