-- Folds what commits changed into the counters.
--
-- Parameters: how many commits at most. Result: how many. Caller: fold_statistics. Index: primary key of event_change.
SELECT statistics_fold($1)
