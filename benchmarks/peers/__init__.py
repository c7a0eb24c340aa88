"""What people use today, each set up as its own documentation shows it, and ours: scripts that search one problem."""
