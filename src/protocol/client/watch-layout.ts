/**
 * Watches on the client protocol, on the same connection as everything else; `client.ts` has the other frames.
 *
 *     client -> server
 *       watches   u8 4 · varint count · request{count}
 *         create    u8 1 · varint watch · u8 flags (1: has an end, 2: from a revision, 4: with previous values, 8: no puts,
 *                   16: no deletions, 32: progress notices) · [varint from] · start · [end]
 *         cancel    u8 2 · varint watch
 *         progress  u8 3 · varint watch
 *     server -> client
 *       feed      u8 5 · 8 bytes applied index · record*
 *         created   u8 1 · varint watch · varint revision · varint progress interval (ms)
 *         events    u8 2 · varint watch · u8 flags (1: more of this revision comes) · varint revision · varint events
 *                   · event{events}
 *         progress  u8 3 · varint watch (0: all of them) · varint revision
 *         ended     u8 4 · varint watch · u8 error · text · varint revision
 *         standing  u8 5 · u8 (1: this node hears the leader, 0: it does not)
 *       event     u8 flags (1: put, else deletion; 2: the previous value is told) · key
 *                 · [a put: value · varint create revision · varint version]
 *                 · [previous: value · varint create revision · varint mod revision · varint version]
 *     key, value, text, start, end := varint length · bytes
 *
 * The exchange:
 *   - The client chooses the number of a watch: 1 or more, and none that it has open on this connection. A number is free
 *     again once `ended` has come for it, which also answers a cancel (CANCELLED); to cancel what has ended is no mistake.
 *   - `created` comes first, or `ended` when the watch cannot be had. Its revision is the first of which events come: the one
 *     asked for, or the one after the newest that the node has applied.
 *   - Events of a watch come in order of revisions, those of one revision in order of keys; all of one revision are one record,
 *     or several in a row for this watch (others may come between) of which all but the last say that more comes: the client
 *     must act on none of them before the last.
 *   - `progress` at R: all of this watch up to R was sent. With watch 0 that holds for every watch that was created on the
 *     connection before and has not ended. It comes at the interval to those that asked for notices (the interval that `created`
 *     names), and once for each request, or for several of the same watch together: then R is at least what this node had
 *     applied when the request came in, and the answer waits until all up to it was sent.
 *   - `ended` is the last of a watch. With COMPACTED the revision is the oldest at which the store can be read: a watch can begin at
 *     the one after it. With any other error it is the first of which not all was sent, to go on from.
 *   - `standing` is about the whole connection: 0 when this node has not heard the leader for a while, so that it does not get new
 *     decided entries; 1 when it does again. A watch stays either way.
 *   - A client that got `events` and takes the applied index of the frame along to another node reads nothing older there.
 *   - Programs that do not know these frames never see them: a server sends none to a client without a watch, and a server that
 *     does not know watches ends the connection at the first such frame, as malformed.
 */
export const WATCHES_FRAME = 4;
export const FEED_FRAME = 5;

export const FEED = { created: 1, events: 2, progress: 3, ended: 4, standing: 5 } as const;

/** Watch number in `progress`: it is of all that the connection has. */
export const ALL_WATCHES = 0;
