"""The expression language: one syntax tree, one table of operators, several meanings."""
