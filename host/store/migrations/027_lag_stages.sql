-- Lags are counted by stage; what was counted before knows the whole way only.
UPDATE lags SET pull = json_object('total', json(pull)), push = json_object('total', json(push));
