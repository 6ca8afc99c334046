DROP TABLE focus_attempt;
