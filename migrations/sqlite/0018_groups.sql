-- Groups of accounts, which services grant access by.

-- Names with commas between them, in alphabetical order; empty for none.
ALTER TABLE users ADD COLUMN group_names TEXT NOT NULL DEFAULT '';
