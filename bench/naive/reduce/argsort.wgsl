// One thread per id, which compares it with each of the others.
@group(0) @binding(0) var<storage, read> ids: array<u32>;
@group(0) @binding(1) var<storage, read_write> order: array<u32>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= arrayLength(&ids)) { return; }
  var rank = 0u;
  for (var j = 0u; j < arrayLength(&ids); j++) {
    if (ids[j] < ids[i] || (ids[j] == ids[i] && j < i)) { rank++; }
  }
  order[rank] = i;
}
