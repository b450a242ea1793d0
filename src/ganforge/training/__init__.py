"""Referee, loop, moving average, schedules, precision and devices."""
