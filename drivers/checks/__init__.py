"""What is checked before a run begins: the sizes of what was given, and the earlier runs that are continued."""
