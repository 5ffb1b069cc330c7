-- A scan reads, waits for nobody and is cut off early rather than burdening the server.
SELECT set_config('transaction_read_only', 'on', true),
       set_config('statement_timeout', '5s', true),
       set_config('lock_timeout', '1s', true),
       set_config('max_parallel_workers_per_gather', '0', true)
