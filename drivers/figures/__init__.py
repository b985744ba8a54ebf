"""The figures of the papers: each computes, draws, saves its data, and compares with what is published."""
