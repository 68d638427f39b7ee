"""Work plans: progress, changes, copies, files and notices."""
