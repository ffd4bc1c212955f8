"""What runs in a job's own Python process: session start, the compiler of row functions, the workers.

Importing this package costs nothing: each module is imported by whoever needs it.
"""
