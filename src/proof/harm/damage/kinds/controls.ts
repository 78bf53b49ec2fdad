import { damage, type Kind } from "../kind.ts";

const GROUP = "Nothing damaged";

export const controls: readonly Kind[] = [
  damage(GROUP, "kill -9 of all", () => {}),
  damage(GROUP, "clean stop of all", () => {}, { image: "stopped" }),
  damage(GROUP, "kill -9 of all, with snapshots", () => {}, { image: "snapshots" }),
  damage(GROUP, "kill -9 of all, several segments", () => {}, { image: "segments" }),
  // A row that must be reported: it expects a write that no client made.
  damage(
    GROUP,
    "a write that was never made is expected",
    ({ acknowledged }) => acknowledged.add("never", "written"),
    { hidden: true },
  ),
];
