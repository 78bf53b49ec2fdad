import "uplot/dist/uPlot.min.css";
import "./styles/base.css";
import "./styles/controls.css";
import "./styles/layout.css";
import "./styles/ring.css";
import "./styles/panels.css";
import "./styles/key-tree.css";
import "./styles/time.css";
import "./styles/leases.css";
import type { ComponentChild } from "preact";
import { useState } from "preact/hooks";
import type { ClusterStore } from "./cluster-store.ts";
import { Announcer } from "./views/announcer.tsx";
import { Banner } from "./views/banner.tsx";
import { ChangesCard } from "./views/changes-card.tsx";
import { EventsCard } from "./views/events-card.tsx";
import { Header } from "./views/header.tsx";
import { KeysPanel } from "./views/keys-panel.tsx";
import { LeasesCard } from "./views/leases-card.tsx";
import { NodeDetails } from "./views/node-details.tsx";
import { Ring } from "./views/ring.tsx";
import { Scenarios } from "./views/scenarios.tsx";
import { SecretDialog } from "./views/secret-dialog.tsx";
import { SignInDialog } from "./views/sign-in-dialog.tsx";
import { TimePanel } from "./views/time-panel.tsx";
import { tabLook } from "./views/tab.ts";
import { useTab } from "./views/use-tab.ts";
import { useTask } from "./views/use-task.ts";
import { useTheme } from "./views/use-theme.ts";
import { useView } from "./views/use-view.ts";

/** The whole page. */
export function App({ store }: { readonly store: ClusterStore }): ComponentChild {
  const view = useView(store);
  const theme = useTheme();
  const [selected, setSelected] = useState<number | null>(null);
  /** Scenario, isolation or healing: the page tells of one at a time. */
  const faults = useTask();
  const { actions } = store;
  const [signingIn, setSigningIn] = useState(false);
  /** What a user has looked at and typed goes when he signs out: another one may sit there next. */
  const [user, setUser] = useState(0);
  useTab(tabLook(view));
  const node = view.nodes.find(({ id }) => id === selected);
  const closeDetails = (): void => {
    setSelected(null);
    document.querySelector<HTMLElement>(`[data-testid="node-${selected}"]`)?.focus();
  };
  return (
    <>
      <Header
        view={view}
        theme={theme}
        onHealAll={() => faults.run("healing…", () => actions.healAll())}
        onSignIn={() => setSigningIn(true)}
        onSignOut={() => {
          actions.signOut();
          setUser(user + 1);
        }}
      />
      <Announcer marks={view.marks} />
      <main key={user}>
        <Banner view={view} />
        <div class="columns">
          <div class="column">
            <Ring
              view={view}
              actions={actions}
              faults={faults}
              selected={selected}
              onDetails={setSelected}
            />
            <TimePanel view={view} colours={theme.colours} />
            <KeysPanel view={view} actions={actions} />
          </div>
          <div class="column side">
            {node === undefined ? null : (
              <NodeDetails key={node.id} view={view} node={node} onClose={closeDetails} />
            )}
            <Scenarios view={view} actions={actions} task={faults} />
            <EventsCard view={view} />
            <ChangesCard actions={actions} />
            <LeasesCard actions={actions} />
          </div>
        </div>
      </main>
      {signingIn ? (
        <SignInDialog
          onSignIn={(user, password) => actions.signIn(user, password)}
          onClose={() => setSigningIn(false)}
        />
      ) : (
        <SecretDialog
          needs={view.needsSecret}
          onGive={(secret) => actions.giveSecret(secret)}
          onSignIn={() => setSigningIn(true)}
        />
      )}
    </>
  );
}
