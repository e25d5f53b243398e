-- Events of new kinds: rechecks that start and stop, findings that a cleanup settles, runs that the
-- journal does not know. An older release refuses this schema in words.
SELECT 1;
