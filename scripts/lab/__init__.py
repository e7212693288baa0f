"""The laboratory: an emulated AWS with the real template deployed in it, for the demo and the end-to-end tests.

Nothing of the product knows about it. What the emulator lacks is worked around here and nowhere else.
"""
