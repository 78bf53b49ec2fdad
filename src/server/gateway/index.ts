/** Connections of clients and of management. */
export { Gateways } from "./gateways.ts";
export { LookOn } from "./look-on.ts";
export { SignIn } from "./sign-in.ts";
export { TokenKeyMaker } from "./token-key.ts";
