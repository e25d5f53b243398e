-- Since when the configuration in force is so, in UTC milliseconds.
ALTER TABLE state ADD COLUMN accepted INTEGER;
UPDATE state SET accepted = (
    SELECT at FROM journal WHERE line LIKE '%"type":"config_accepted"%' ORDER BY id DESC LIMIT 1
);
