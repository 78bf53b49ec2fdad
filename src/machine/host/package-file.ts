import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Of a file that is named from the top of this checkout, or of the package that this is installed as. @returns its path */
export function packageFile(path: string): string {
  // As deep as src/machine/host are dist/machine/host, and the folders of dist/library that it is bundled into.
  return fileURLToPath(new URL(`../../../${path}`, import.meta.url));
}

/** The version of this program, as package.json has it. */
export function programVersion(): string {
  const text = readFileSync(packageFile("package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
