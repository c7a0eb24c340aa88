"""When a trial is halted, and why: curves (numbers in, numbers out) and the rules over them."""
