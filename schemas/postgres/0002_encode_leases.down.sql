DROP TABLE focus_encode_lease;
DROP SEQUENCE focus_encode_lease_fencing;
