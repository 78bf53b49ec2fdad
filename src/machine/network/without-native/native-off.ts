/** See `ws-without-native.ts`. A variable is the only way to tell `ws`. */
export const VARIABLE = "WS_NO_BUFFER_UTIL";
export const before = process.env[VARIABLE];

process.env[VARIABLE] = "1";
