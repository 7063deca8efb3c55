// Prints, for each file that it is given, every place that the grammar does not understand.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Language, Parser } from "web-tree-sitter";

const grammar = createRequire(import.meta.url).resolve("tree-sitter-powershell/tree-sitter-powershell.wasm");
await Parser.init();
const parser = new Parser();
parser.setLanguage(await Language.load(grammar));
for (const file of process.argv.slice(2)) {
  const text = readFileSync(file, "utf8").replace(/^\uFEFF/, "");
  const lines = text.split(/\r?\n/);
  let nodes = 0, wrong = 0;
  const visit = (node) => {
    nodes++;
    if ((node.isError || node.isMissing) && ++wrong) console.log(`${file}:${node.startPosition.row + 1}: ${lines[node.startPosition.row]}`);
    node.children.forEach(visit);
  };
  visit(parser.parse(text).rootNode);
  console.log(`${file}: ${nodes} nodes, ${wrong} of them wrong`);
}
