/** The long history of store.test.ts. */
import "./store.test.ts";
