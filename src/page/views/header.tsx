import type { ComponentChild } from "preact";
import { ballotText } from "../../protocol/admin/index.ts";
import type { ClusterView } from "../cluster-view.ts";
import type { Who } from "../rights.ts";
import { Icon } from "./icons.tsx";
import { isRefused } from "./node-look.ts";
import { readOnlyText } from "./read-only.ts";
import type { ThemeChoice } from "./use-theme.ts";

interface HeaderProps {
  readonly view: ClusterView;
  readonly theme: ThemeChoice;
  readonly onHealAll: () => void;
  readonly onSignIn: () => void;
  readonly onSignOut: () => void;
}

export function Header({
  view,
  theme,
  onHealAll,
  onSignIn,
  onSignOut,
}: HeaderProps): ComponentChild {
  const why = whyNotHeal(view);
  return (
    <header class="header">
      <div class="header-name">
        <Icon name="logo" />
        <h1>
          <span class="product">omnikv</span> <span class="cluster-id">{view.clusterId}</span>
        </h1>
      </div>
      <LeaderChip view={view} />
      <span class="seen-from">seen from node {view.self}</span>
      <div class="header-buttons">
        <WhoButton who={view.who} onSignIn={onSignIn} onSignOut={onSignOut} />
        <button
          type="button"
          class="button quiet"
          data-testid="theme-toggle"
          aria-label={`Theme: ${theme.theme}. Change`}
          title={`Theme: ${theme.theme}`}
          onClick={() => theme.next()}
        >
          <Icon name={theme.theme} />
          <span class="theme-name">{theme.theme}</span>
        </button>
        <button
          type="button"
          class="button primary"
          data-testid="heal-all"
          disabled={why !== null}
          title={why ?? "Make all links whole again"}
          onClick={onHealAll}
        >
          Heal all
        </button>
      </div>
    </header>
  );
}

/** Nothing while everybody may do everything. */
function WhoButton(
  props: { readonly who: Who | null } & Pick<HeaderProps, "onSignIn" | "onSignOut">,
): ComponentChild {
  const { who, onSignIn, onSignOut } = props;
  if (who === null || !who.isOn) return null;
  if (who.by === "password") {
    const title = `${who.user ?? ""} has ${rolesText(who)}`;
    return (
      <>
        <span class="who" data-testid="who" title={title}>
          {who.user}
        </span>
        <button type="button" class="button quiet" data-testid="sign-out" onClick={onSignOut}>
          Sign out
        </button>
      </>
    );
  }
  return (
    <button type="button" class="button quiet" data-testid="sign-in" onClick={onSignIn}>
      Sign in
    </button>
  );
}

function rolesText({ roles }: Who): string {
  return roles.length === 0 ? "no role" : `the roles ${roles.join(", ")}`;
}

/** Null: there is something to heal, or it cannot be seen. */
function whyNotHeal(view: ClusterView): string | null {
  const whole = view.links.every(
    ({ aToB, bToA }) => aToB.state === "connected" && bToA.state === "connected",
  );
  return readOnlyText(view) ?? (whole ? "All links are whole" : null);
}

function LeaderChip({ view }: { readonly view: ClusterView }): ComponentChild {
  const leader = view.nodes.find(({ id }) => id === view.leader);
  if (leader?.status === undefined || leader.status === null) {
    const text = isRefused(view) ? "who leads is not told" : "no leader in sight";
    return <span class="chip chip-none">{text}</span>;
  }
  return (
    <span class="chip chip-leader" data-testid="leader">
      <Icon name="crown" />
      <span>
        node {leader.id} leads
        <span class="chip-ballot"> · ballot {ballotText(leader.status.promise)}</span>
      </span>
    </span>
  );
}
