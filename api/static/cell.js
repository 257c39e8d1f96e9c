// An architecture in one line, as the command line writes it.

export function describe(architecture) {
  if (architecture.kind === "dense_cell") return architecture.branches.map(branch).join("  ");
  if (architecture.kind === "reference_head") {
    return architecture.unit ? `${architecture.name} + ${operation(architecture.unit)}` : architecture.name;
  }
  if (architecture.kind === "auto_deeplab") {
    const cell = architecture.blocks.map(({ edges }, index) => `${index}:${edges.map((edge) => `${edge.operator}(${edge.input - 2})`).join("+")}`);
    return [architecture.path.map((level) => 4 * 2 ** level).join("-"), ...cell].join("  ");
  }
  return architecture.kind;
}

function branch({ input, operator }, index) {
  return `${index}:${operation(operator)}(${input < 0 ? "F" : input})`;
}

function operation(operator) {
  if (operator.op === "conv1x1") return "conv1x1";
  if (operator.op === "atrous_separable") return `sep${operator.rate.join("x")}`;
  if (operator.op === "pyramid_pooling") return `pool${operator.grid.join("x")}`;
  return operator.op + (operator.maps ?? operator.nodes ?? operator.vertices ?? operator.steps ?? "");
}
