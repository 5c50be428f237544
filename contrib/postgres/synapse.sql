-- A database for Synapse beside Colloque's own (https://element-hq.github.io/synapse/latest/postgres.html).
CREATE DATABASE synapse ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0;
