"""The process that works on what the queue holds: which job does what, and the front door."""
