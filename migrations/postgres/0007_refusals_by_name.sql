-- Commands that a limit turned away, by the name that was claimed as well; counted until their minute is over.

CREATE TABLE refusals_by_name (
    minute BIGINT NOT NULL,                         -- of Unix time
    source TEXT   NOT NULL,
    action TEXT   NOT NULL,
    name   TEXT   NOT NULL,                         -- empty: none was claimed; a line feed: all beyond the first five
    count  BIGINT NOT NULL,
    PRIMARY KEY (minute, source, action, name)      -- the oldest are written down first
);
INSERT INTO refusals_by_name SELECT minute, source, action, '', count FROM refusals;
DROP TABLE refusals;
ALTER TABLE refusals_by_name RENAME TO refusals;
-- For the erasure of a name.
CREATE INDEX refusals_of_name ON refusals (name);
