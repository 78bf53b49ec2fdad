/** What programs import of a checkout of another version. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { z } from "zod";
import type * as Api from "../../client/api/index.ts";

/** Each version has had both, with `write`, `read` and `close` of the one, and `call` and `close` of the other. */
export type Library = Pick<typeof Api, "createClient" | "createAdminClient">;

const packageSchema = z.object({
  exports: z.object({ ".": z.union([z.string(), z.object({ default: z.string() })]) }),
});

/** @param build a checkout that was built @throws Error when it is none */
export function libraryOf(build: string): string {
  const text = readFileSync(join(build, "package.json"), "utf8");
  const { ".": door } = packageSchema.parse(JSON.parse(text)).exports;
  return join(build, typeof door === "string" ? door : door.default);
}

/** @param path as of libraryOf */
export async function importLibrary(path: string): Promise<Library> {
  return (await import(pathToFileURL(path).href)) as Library;
}
