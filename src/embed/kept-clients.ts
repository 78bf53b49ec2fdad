/** Clients of a node within a program: those that the program has not closed itself end with the node. */
import { AdminClient } from "../client/api/index.ts";
import { KvClient } from "../client/index.ts";

/** Lets go of a client that is closed: a program may make one for each of its requests. */
type LetGo = (client: { close(): void }) => void;

export class KeptClient extends KvClient {
  readonly #letGo: LetGo;

  constructor(options: ConstructorParameters<typeof KvClient>[0], letGo: LetGo) {
    super(options);
    this.#letGo = letGo;
  }

  override close(): void {
    this.#letGo(this);
    super.close();
  }
}

export class KeptAdminClient extends AdminClient {
  readonly #letGo: LetGo;

  constructor(options: ConstructorParameters<typeof AdminClient>[0], letGo: LetGo) {
    super(options);
    this.#letGo = letGo;
  }

  override close(): void {
    this.#letGo(this);
    super.close();
  }
}
