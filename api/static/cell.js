// An architecture in one line, as the command line writes it.

export function describe(architecture) {
  if (architecture.kind === "dense_cell") return architecture.branches.map(branch).join("  ");
  if (architecture.kind === "reference_head") {
    return architecture.unit ? `${architecture.name} + ${operation(architecture.unit)}` : architecture.name;
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
