import type { ComponentChild } from "preact";
import { useEffect, useState } from "preact/hooks";
import { NAMED_SCENARIOS, type NamedScenario } from "../scenarios/index.ts";
import type { ClusterStore } from "./cluster-store.ts";
import type { ClusterView, LinkView, NodeView } from "./cluster-view.ts";

/** Carries out an action and tells of its end, whatever it is. */
type Run = (what: string, action: () => Promise<unknown>) => void;
interface PartProps {
  readonly store: ClusterStore;
  readonly view: ClusterView;
  readonly run: Run;
}

const SAID_MAX = 50;
const SCENARIOS = Object.keys(NAMED_SCENARIOS) as NamedScenario[];

/** The whole page. */
export function App({ store }: { readonly store: ClusterStore }): ComponentChild {
  const [view, setView] = useState(store.view());
  useEffect(() => store.subscribe(() => setView(store.view())), [store]);
  const [said, setSaid] = useState<readonly string[]>([]);
  const run: Run = (what, action) => {
    const say = (text: string): void =>
      setSaid((before) => [`${what}: ${text}`, ...before].slice(0, SAID_MAX));
    action().then(
      (result) => say(result === undefined ? "ok" : JSON.stringify(result)),
      (error: unknown) => say(error instanceof Error ? error.message : String(error)),
    );
  };
  const parts = { store, view, run };
  return (
    <main>
      <h1>omnikv: {view.clusterId}</h1>
      {view.needsSecret !== "no" && <Secret {...parts} />}
      <ul>
        {view.nodes.map((node) => (
          <li key={node.id} data-testid={`node-${node.id}`} data-role={roleOf(node)}>
            node {node.id}: {roleOf(node)}
          </li>
        ))}
      </ul>
      <Links {...parts} />
      {view.faultsAllowed && <Scenarios {...parts} />}
      <Keys {...parts} />
      <ul data-testid="last-operations">
        {said.map((line, i) => (
          <li key={i}>{line}</li>
        ))}
      </ul>
    </main>
  );
}

function Secret({ store }: PartProps): ComponentChild {
  const [secret, setSecret] = useState("");
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        store.actions.giveSecret(secret);
      }}
    >
      <label>
        The cluster's secret:{" "}
        <input
          data-testid="secret-input"
          type="password"
          autocomplete="off"
          value={secret}
          onInput={(event) => setSecret(event.currentTarget.value)}
        />
      </label>
    </form>
  );
}

function Links({ store, view, run }: PartProps): ComponentChild {
  const [open, setOpen] = useState("");
  return (
    <ul>
      {view.links.map((link) => {
        const { a, b } = link;
        const name = `${a}-${b}`;
        const act = (verb: "breakLink" | "restoreLink") => (): void => {
          setOpen("");
          run(`${verb} ${name}`, () => store.actions[verb](a, b, "both"));
        };
        return (
          <li key={name}>
            <button
              data-testid={`link-${name}`}
              data-state={stateOf(link)}
              onClick={() => setOpen(name)}
            >
              link {a}–{b}: {stateOf(link)}
            </button>
            {open === name && view.faultsAllowed && (
              <>
                <button data-testid="link-break" onClick={act("breakLink")}>
                  break
                </button>
                <button data-testid="link-restore" onClick={act("restoreLink")}>
                  restore
                </button>
              </>
            )}
          </li>
        );
      })}
    </ul>
  );
}

function Scenarios({ store, run }: PartProps): ComponentChild {
  return (
    <p>
      {SCENARIOS.map((name) => (
        <button
          key={name}
          data-testid={`scenario-${name}`}
          title={NAMED_SCENARIOS[name]}
          onClick={() => run(name, () => store.actions.runScenario(name))}
        >
          {name}
        </button>
      ))}
      <button data-testid="heal-all" onClick={() => run("heal", () => store.actions.healAll())}>
        heal all
      </button>
    </p>
  );
}

function Keys({ store: { actions }, view: { self }, run }: PartProps): ComponentChild {
  const [key, setKey] = useState("");
  const [value, setValue] = useState("");
  const operations = {
    write: () => actions.write(self, key, value),
    read: async () => (await actions.read(self, key, "linearizable")).text,
    delete: () => actions.delete(self, key),
  };
  return (
    <p>
      <input
        data-testid="key-input"
        aria-label="key"
        value={key}
        onInput={(event) => setKey(event.currentTarget.value)}
      />
      <input
        data-testid="value-input"
        aria-label="value"
        value={value}
        onInput={(event) => setValue(event.currentTarget.value)}
      />
      {Object.entries(operations).map(([name, operation]) => (
        <button
          key={name}
          data-testid={`${name}-button`}
          onClick={() => run(`${name} ${key}`, operation)}
        >
          {name}
        </button>
      ))}
    </p>
  );
}

function roleOf({ reach, status }: NodeView): string {
  if (reach !== "live") return reach;
  if (status?.standing === "cutOff") return "cutOff";
  return status?.standing === "leading" ? "leader" : "follower";
}

function stateOf({ aToB, bToA }: LinkView): string {
  if (aToB.state === bToA.state) return aToB.state;
  return [aToB.state, bToA.state].includes("down") ? "down" : "faulty";
}
