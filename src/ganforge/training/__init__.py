"""Referee, loop, moving average, schedules, precision and devices.

A step, from the batch to the update: ``rounds.Rounds.play`` asks the game (``games``) for its next turn, and
``referee.Referee`` moves the player. ``examples/minimal.py`` has it on one page.
"""
