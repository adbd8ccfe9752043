"""Goodfit: who are we for, and who are we not for.

`service.rules` judges facts and is useful on its own; one room per thing people
do stands around it; `app`, `worker` and `cli` are the front doors.
"""
