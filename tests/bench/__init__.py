"""What the heavy paths cost: ours beside what a team would write with the stock libraries, and beside the floor."""
