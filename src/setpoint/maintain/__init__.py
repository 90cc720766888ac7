"""Maintain: findings become incidents, incidents get ranked causes, causes get a proven repair."""
