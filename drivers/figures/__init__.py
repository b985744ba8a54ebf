"""The figures of the papers: each a module that computes, draws, saves its data, and compares with what is published."""
