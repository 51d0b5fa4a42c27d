"""Programs that the strict profile knows, with every option of theirs that is harmless."""

from axon.security.policy.options import Spec, spec_of

# name, what its operands are (options.Spec), options; "=t" takes a text, "=r" reads a file,
# "=w" writes one, "?" at the end: its value is never a word of its own
_LINES = """
ls r -1AaBCcdFfGghHiklLmNnopqQrRsStuUvxXZ --all --almost-all --classify --color=t? --directory
    --full-time --group-directories-first --human-readable --inode --no-group --numeric-uid-gid
    --recursive --reverse --size --sort=t --time=t --time-style=t
cat r -AbeEnstTuv --number --number-nonblank --show-all --show-ends --show-tabs --squeeze-blank
tac r -br -s=t --separator=t
nl r -p -b=t -d=t -f=t -h=t -i=t -l=t -n=t -s=t -v=t -w=t --body-numbering=t
head r -qvz -n=t -c=t -# --lines=t --bytes=t --quiet --verbose
tail r -qvz -n=t -c=t -# --lines=t --bytes=t --quiet --verbose
wc r -clmLw --bytes --chars --lines --words --max-line-length
cut r -nsz -b=t -c=t -d=t -f=t --bytes=t --characters=t --delimiter=t --fields=t --only-delimited
    --complement --output-delimiter=t
tr t -cCdst --complement --delete --squeeze-repeats --truncate-set1
paste r -sz -d=t --delimiters=t --serial
column r -tnex -s=t -o=t -c=t --table --separator=t
comm r -123z --check-order --nocheck-order --output-delimiter=t --total
join r -iz -1=t -2=t -a=t -e=t -j=t -o=t -t=t -v=t --header
fold r -bs -w=t --width=t --spaces
fmt r -cstu -w=t -p=t --width=t
expand r -i -t=t --tabs=t
unexpand r -a -t=t --tabs=t
rev r
sort r -bcCdfghiMmnrRsuVz -k=t -t=t -o=w -S=t --key=t --field-separator=t --output=w
    --numeric-sort --reverse --unique --version-sort --human-numeric-sort --ignore-case --stable
    --zero-terminated --general-numeric-sort
uniq c1 -cdDiuz -f=t -s=t -w=t --count --repeated --unique --ignore-case --skip-fields=t
    --skip-chars=t
shuf r -erz -n=t -i=t --head-count=t --input-range=t --echo
grep p -aAbBcEFGhHiIlLnoPqsvVwxyzU -A=t -B=t -C=t -m=t -e=t -f=r -d=t -D=t -# --after-context=t
    --before-context=t --context=t --color=t? --colour=t? --count --extended-regexp
    --files-with-matches --files-without-match --fixed-strings --ignore-case --include=t
    --exclude=t --exclude-dir=t --invert-match --line-number --line-regexp --max-count=t
    --no-filename --no-messages --only-matching --perl-regexp --quiet --regexp=t --silent --text
    --with-filename --word-regexp
egrep p -aAbBcEFGhHiIlLnoPqsvVwxyz -A=t -B=t -C=t -m=t -e=t -# --color=t? --include=t --exclude=t
    --line-number
fgrep p -aAbBcEFGhHiIlLnoPqsvVwxyz -A=t -B=t -C=t -m=t -e=t -# --color=t? --include=t --exclude=t
    --line-number
diff r -abBBcdeEiNpqrstTuwyZ -U=t -C=t -I=t -x=t -W=t --unified=t? --brief --recursive --new-file
    --color=t? --side-by-side --ignore-all-space --ignore-space-change --ignore-blank-lines
    --exclude=t --strip-trailing-cr --text --suppress-common-lines
cmp r -bls -n=t -i=t --silent --quiet --verbose --bytes=t
stat r -fLt -c=t --format=t --printf=t --dereference
file r -bhiLknz --brief --mime --mime-type --mime-encoding
du r -0abcDhHklLmsSx -d=t -B=t --apparent-size --human-readable --max-depth=t --summarize --total
    --exclude=t --all --bytes
df r -ahHiklPT -t=t -B=t --human-readable --total --output=t?
tree r -adfFhilnpqrstuDC -L=t -I=t -P=t --dirsfirst --noreport --gitignore --prune --du
realpath r -emLPqsz --canonicalize-existing --canonicalize-missing --relative-to=r
    --relative-base=r
readlink r -efmnqsvz --canonicalize
basename t -az -s=t --suffix=t --multiple
dirname t -z
md5sum r -bctwz --check --status --quiet
sha1sum r -bctwz --check --status --quiet
sha256sum r -bctwz --check --status --quiet
sha512sum r -bctwz --check --status --quiet
cksum r -a=t
b2sum r -bctwz
base64 r -di -w=t --decode --wrap=t
od r -abcdfhilosvx -A=t -j=t -N=t -S=t -t=t -w=t? --address-radix=t --format=t
xxd c1 -abCeEipruP -c=t -g=t -l=t -o=t -s=t
hexdump r -bcCdovx -n=t -s=t -e=t
strings r -afo -n=t -t=t -e=t -#
jq p -acCeMjnrsSR --arg=t --argjson=t --args --ascii-output --color-output --compact-output
    --exit-status --join-output --monochrome-output --null-input --raw-input --raw-output --slurp
    --sort-keys --tab --indent=t
seq t -w -f=t -s=t --equal-width --format=t --separator=t
echo t -neE
printf t
true t
false t
: t
test t
[ t
sleep t
date n -uIR -I=t? -d=t -r=r --utc --iso-8601=t? --date=t --rfc-3339=t --rfc-email --reference=r
uname n -asnrvmpio --all --kernel-name --machine
nproc n --all
whoami n
id t -gGnru
hostname n
arch n
tty n -s
pwd n -LP
type t -aPpt
which t -a
cd t -LP
mkdir w -pv -m=t --parents --verbose --mode=t
touch w -acmh -d=t -t=t -r=r --date=t --no-create --reference=r
cp c -abdfHiLlnpPRrTuvx -t=w --archive --force --no-clobber --no-dereference --parents
    --preserve=t? --recursive --target-directory=w --update=t? --verbose
mv w -bfinTuv -t=w --force --no-clobber --target-directory=w --verbose
rm w -dfirRvI --force --recursive --verbose --dir --one-file-system
rmdir w -pv --parents --verbose --ignore-fail-on-non-empty
ln w -fnrsTv -t=w --force --symbolic --relative --no-dereference --no-target-directory --verbose
tee w -ai --append
truncate w -co -s=t --size=t --no-create
gzip w -cdfklnqrtv123456789 --stdout --decompress --keep --best --fast --test --list
gunzip w -cfklnqrtv --stdout --keep --test --list
zcat r -f
export t -n
unset t -fv
set t
shift t
exit t
return t
break t
continue t
wait t -fnp
jobs t -lnprs
ulimit t -acdefilmnpqrstuvxHS
umask t -pS
times t
"""

KNOWN: dict[str, Spec] = dict(
    spec_of(line) for line in _LINES.replace("\n    ", " ").strip().splitlines()
)

# What a strict session may run beside these: a project's own tests and checks are its code, and
# run its code. `[policy] commands` adds to them.
COMMANDS = tuple(
    line.strip()
    for line in """
pytest; py.test; python -m pytest; python -m unittest; python -m doctest; python -m mypy
python -m ruff; python -m black; python -m isort; python -m flake8; python -m pylint
python -m coverage; python -m compileall; python -m py_compile; python -m tox; python -m nox
python --version; python -V; node --version; npm --version; cargo --version; go version
tox; nox; ruff; mypy; black; isort; flake8; pylint; pyright; coverage; pre-commit run
make; ninja; cmake --build; ctest; meson test; bazel test; bazel build
npm test; npm t; npm run; npm ls; yarn test; yarn run; yarn lint; pnpm test; pnpm run; bun test
node --test; node --check; jest; vitest; mocha; eslint; prettier; tsc; biome; deno test; deno lint
cargo build; cargo test; cargo check; cargo clippy; cargo fmt; cargo doc; cargo bench; cargo run
go build; go test; go vet; go fmt; go mod tidy; gofmt; golangci-lint run; staticcheck
mvn test; mvn verify; mvn compile; gradle test; gradle build; gradle check; ./gradlew; ./mvnw
dotnet test; dotnet build; bundle exec rspec; bundle exec rake; rspec; rake; rubocop
mix test; mix format; mix compile; swift test; swift build; phpunit; composer test; phpstan
shellcheck; shfmt; yamllint; hadolint; terraform fmt; terraform validate; clang-format
""".replace("\n", ";").split(";")
    if line.strip()
)
