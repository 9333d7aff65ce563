-- Takes everything away. The program refuses this step while there is anything in the ledger.

DROP SCHEMA meter_pki CASCADE;
