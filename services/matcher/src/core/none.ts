/** No slot, no level, no record: the end of a queue or of a free list. */
export const NONE = -1;
