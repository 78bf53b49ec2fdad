import { type Secrets, secretsNow } from "../../base/index.ts";
import type {
  Audit,
  Channel,
  Clock,
  Logger,
  Random,
  StrangerLog,
} from "../../machine/ports/index.ts";
import type { Replica } from "../../replica/index.ts";
import type { HandshakeOptions } from "../../links/handshake/index.ts";
import type { Hello } from "../../protocol/handshake/index.ts";
import type { SignIn } from "./sign-in.ts";

/** What the gateways need of the node they belong to. */
export interface GatewayContext {
  readonly options: {
    readonly nodeId: number;
    readonly clusterId: string;
    readonly version: string;
    readonly secret: Secrets;
    readonly allowFaults: boolean;
    readonly clientConnectionsMax: number;
    readonly adminConnectionsMax: number;
    readonly clientBufferBytesMax: number;
    readonly bufferBytesMax: number;
  };
  readonly machine: {
    readonly clock: Clock;
    readonly random: Random;
    readonly logger: Logger;
    /** Left out: there is no audit log. */
    readonly audit?: Audit | undefined;
  };
  readonly signIn: SignIn;
  /** For log lines about the faults of others. */
  readonly strangers: StrangerLog;
  readonly replica: Replica;
  /** Input has reached the replica: a turn is due. */
  readonly wake: () => void;
}

/** The hello that the node sends to clients and managers. */
function clientHello(
  { options, replica }: Pick<GatewayContext, "options" | "replica">,
  channel: Channel,
): Omit<Hello, "authenticates" | "bound" | "nonce"> {
  return {
    channel,
    nodeId: options.nodeId,
    clusterId: options.clusterId,
    incarnation: null,
    origin: replica.state.origin,
    peer: null,
    configurationId: null,
    targetId: null,
  };
}

/** How clients and managers shake hands: while access control is on, a client without the secret signs in afterwards. */
export function handshakeOf(
  context: Pick<GatewayContext, "options" | "replica">,
  channel: "client" | "admin",
): Pick<HandshakeOptions, "secret" | "secretOptional"> & {
  readonly self: Omit<Hello, "authenticates" | "bound" | "nonce">;
} {
  const { options, replica } = context;
  return {
    self: clientHello(context, channel),
    secret: options.secret,
    secretOptional: () => replica.state.access.isOn,
  };
}

/** Whether the peer that sent this hello, and has shaken hands, has proved the secret. "none": there is no secret. */
export function secretOf(
  { options }: Pick<GatewayContext, "options">,
  remote: Hello,
): "proved" | "owed" | "none" {
  if (secretsNow(options.secret).length === 0) return "none";
  return remote.authenticates ? "proved" : "owed";
}
