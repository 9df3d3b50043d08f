// Builds the page into one file that loads nothing: `index.html` with its script inside.

import { readFileSync } from "node:fs";

import { defineConfig, type Plugin } from "vite";

/** Names and licences of the packages that these modules are from, as their authors want them passed on. */
function licences(modules: string[]): string {
  const folders = modules.map((module) => /^.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(module));
  const packages = new Map(folders.flatMap((found) => (found === null ? [] : [[found[1]!, found[0]]])));
  const namesByText = new Map<string, string[]>();
  for (const [name, folder] of [...packages].sort()) {
    const text = readFileSync(`${folder}LICENSE`, "utf8").trim();
    namesByText.set(text, [...(namesByText.get(text) ?? []), name]);
  }
  return [...namesByText].map(([text, names]) => `${names.join(", ")}:\n\n${text}`).join("\n\n");
}

/** Puts the script into the page, where the program replaces NONCE by the nonce of its policy. */
function singleFile(): Plugin {
  return {
    name: "single-file",
    enforce: "post",
    generateBundle(_options, bundle) {
      const scripts = Object.values(bundle).filter((output) => output.type === "chunk");
      const page = Object.values(bundle).find((output) => output.fileName === "index.html");
      const [script] = scripts;
      if (page?.type !== "asset" || script === undefined || Object.keys(bundle).length !== 2) {
        this.error(`expected one page and one script, not ${Object.keys(bundle).join(", ")}`);
      }
      const code = script.code.trim().replaceAll("</script", "<\\/script");
      const reference = /[ \t]*<script [^>]*src=[^>]*><\/script>\n?/;
      const html = String(page.source);
      if (!reference.test(html)) this.error("the page does not refer to its script");
      // After the body's elements; by a function, because code may hold what `replace` gives a meaning.
      page.source = html
        .replace(reference, "")
        .replace("</body>", () => `<script type="module" nonce="NONCE">${code}</script>\n</body>`)
        .replace("</html>", () => `</html>\n<!--\nContains\n\n${licences(script.moduleIds)}\n-->`);
      delete bundle[script.fileName];
    },
  };
}

export default defineConfig({
  base: "./",
  plugins: [singleFile()],
  build: {
    target: "es2022",
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});
