import { patch, type Mutant } from "./mutant.ts";

export const LINKS: readonly Mutant[] = [
  {
    name: "link drop leaks one direction",
    breaks: "a link that was broken lets through what comes in",
    patches: [
      patch(
        "src/links/drop-table.ts",
        "    if (dropPermille === 0) return false;\n",
        '    if (dropPermille === 0 || direction === "in") return false;\n',
      ),
    ],
    by: ["test/links"],
  },
  {
    name: "frame counter not checked",
    breaks: "a session goes on after a frame was lost, repeated or held back",
    patches: [
      patch(
        "src/protocol/peer/peer-frame.ts",
        "    if (counter !== this.#counter + 1) {",
        "    if (counter < 0) {",
      ),
    ],
    by: ["test/protocol"],
  },
  {
    name: "no new session after a broken link",
    breaks: "what a link lost on purpose is not asked for when it is whole again",
    patches: [
      patch("src/links/peer-links.ts", "    if (improved.includes(true)) link.renew();\n", ""),
    ],
    by: ["test/links"],
  },
];
