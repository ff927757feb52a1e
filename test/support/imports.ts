import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { parseSync } from "oxc-parser";

/** One import, re-export or dynamic import: the file it is in, and what it names. Paths are relative to the repository. */
export type Import = {
  readonly from: string;
  /** A path for relative specifiers, else the specifier. */
  readonly to: string;
  readonly isPackage: boolean;
};

export const ROOT = join(import.meta.dirname, "../..");

/** TypeScript files below `folder`, installed packages excluded. */
export function sourceFiles(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .filter((file) => !file.includes("node_modules/"));
}

export function importsOf(file: string): Import[] {
  const source = readFileSync(join(ROOT, file), "utf8");
  return importsIn(file, source);
}

/** What `source` would import if it were the contents of `file`. */
export function importsIn(file: string, source: string): Import[] {
  const { module, errors } = parseSync(file, source);
  const [error] = errors;
  if (error !== undefined) throw new SyntaxError(`${file}: ${error.message}`);
  const specifiers = [
    ...module.staticImports.map((entry) => entry.moduleRequest.value),
    ...module.staticExports.flatMap((statement) =>
      statement.entries.flatMap((entry) => entry.moduleRequest?.value ?? []),
    ),
    ...module.dynamicImports.map(({ moduleRequest }) =>
      source.slice(moduleRequest.start, moduleRequest.end).replace(/^["'`]|["'`]$/g, ""),
    ),
    ...Array.from(source.matchAll(/\bimport\(\s*["']([^"']+)["']\s*\)/g), ([, name]) => name ?? ""),
  ];
  return [...new Set(specifiers)].map((specifier) =>
    specifier.startsWith(".")
      ? { from: file, to: join(dirname(file), specifier).split(sep).join("/"), isPackage: false }
      : { from: file, to: specifier, isPackage: true },
  );
}
