/**
 * Variables of the environment that are not settings of `omnikv server`. A shell, a unit or `omnikv lock` may have set them for other
 * commands: a server leaves them alone.
 */

/** Which cluster is meant. The server has one of the same name and meaning. */
export const CLUSTER_VARIABLE = "OMNIKV_CLUSTER";

/** What a command proves to get in: each is one of its options. */
export const ACCESS_VARIABLES = {
  secretFile: "OMNIKV_SECRET_FILE",
  cacert: "OMNIKV_CACERT",
  cert: "OMNIKV_CERT",
  key: "OMNIKV_KEY",
  tlsMinVersion: "OMNIKV_TLS_MIN_VERSION",
  user: "OMNIKV_USER",
  passwordFile: "OMNIKV_PASSWORD_FILE",
} as const;

/** Of a program that runs while a lock is held or a term lasts: which may be a server, or a script that starts one. */
export const HELD_VARIABLES = {
  token: "OMNIKV_TOKEN",
  name: "OMNIKV_LOCK",
  key: "OMNIKV_LOCK_KEY",
} as const;

/** Where the prompts keep what was typed. */
const HISTORY_VARIABLE = "OMNIKV_HISTORY";

export const OTHER_VARIABLES: ReadonlySet<string> = new Set([
  CLUSTER_VARIABLE,
  ...Object.values(ACCESS_VARIABLES),
  ...Object.values(HELD_VARIABLES),
  HISTORY_VARIABLE,
]);
