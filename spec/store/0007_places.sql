-- 0007: parts of an upload in the file that the object will be.
-- Most uploads have parts of one size, numbered from 1. The first large part sets that size, the slot; a part that fits its slot is written into the
-- upload's own file at (number - 1) * slot, so that completing has nothing to copy. Any other part has a file of its own, as before.

ALTER TABLE upload ADD COLUMN file TEXT NOT NULL DEFAULT '';           -- below objects/; '': there is none yet
ALTER TABLE upload ADD COLUMN slot INTEGER NOT NULL DEFAULT 0;
ALTER TABLE upload_part ADD COLUMN offset INTEGER NOT NULL DEFAULT 0;  -- of its bytes in the file
