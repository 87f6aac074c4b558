// One thread per element of the table, which looks at every id.
override C: u32;

@group(0) @binding(0) var<storage, read> ids: array<u32>;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read_write> dtable: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= arrayLength(&dtable)) { return; }
  var total = 0.0f;
  for (var r = 0u; r < arrayLength(&ids); r++) {
    if (ids[r] == i / C) { total += dy[r * C + i % C]; }
  }
  dtable[i] = total;
}
