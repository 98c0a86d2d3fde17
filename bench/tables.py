"""The tables that untuned models are compared on: splits, columns, and the untuned baselines of scikit-learn. No main.

Used by bench/first_hour_peers.py and bench/time_to_auc.py, in the environment of bench/install_peers.sh. A random fifth of a table's rows is
the test; MovieLens (tools/prepare_movielens.py, the days from 2000-10-04) is tested on the week after 2000-12-01.
"""
import glob
import gzip
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# Archive in --data, delimiter, label, positive text, columns that leak or name the row.
TABLES = {
    "bank": ("uci-bank-marketing/bank-additional-full.csv.gz", ";", "y", "yes", ["duration"]),
    "coupon": ("uci-coupon/in-vehicle-coupon-recommendation.csv.gz", ";", "Y", "1", []),
    "hotel": ("hotel-bookings/hotel_bookings.csv.gz", ",", "is_canceled", "1", ["reservation_status", "reservation_status_date"]),
    "avazu": ("avazu-sample/train.csv.gz", ",", "click", "1", ["id"]),
    "talking": ("talkingdata-sample/train_sample.csv.gz", ",", "is_attributed", "1", ["attributed_time"]),
    "movielens": ("ml-1m-part", "\t", "label", "1", []),
}
LAST_DAY = "2000-12-01"  # of MovieLens's training window


def enter(python):
    """Goes on in the peers' environment, unless this is it."""
    if not os.path.exists(python):
        sys.exit(f"--python={python} is not there; bench/install_peers.sh makes it")
    if os.path.realpath(sys.prefix) != os.path.realpath(os.path.dirname(os.path.dirname(python))):
        os.execv(python, [python, *sys.argv])


def folder(work, name):
    path = os.path.join(work, name)
    os.makedirs(path, exist_ok=True)
    return path


def split(data, work, name):
    """WORK/NAME/train.csv and test.csv; of MovieLens also its daily files."""
    import numpy
    archive = os.path.join(data, TABLES[name][0])
    into = folder(work, name)
    if name == "movielens":
        return split_days(archive, into)
    with gzip.open(archive, "rt", encoding="utf-8", errors="replace", newline="") as file:
        head, *rows = file.read().replace("\r\n", "\n").strip("\n").split("\n")
    order = numpy.random.RandomState(7).permutation(len(rows))
    cut = int(0.8 * len(rows))
    for part, chosen in (("train", order[:cut]), ("test", order[cut:])):
        with open(os.path.join(into, part + ".csv"), "w", encoding="utf-8", newline="") as file:
            file.write("\n".join([head] + [rows[i] for i in chosen]) + "\n")


def split_days(archive, into):
    days = os.path.join(into, "all-days")
    if not os.path.isdir(days):
        subprocess.run([sys.executable, os.path.join(ROOT, "tools", "prepare_movielens.py"), f"--input={archive}", f"--output={days}"], check=True,
                       stdout=subprocess.DEVNULL)
    files = sorted(glob.glob(os.path.join(days, "2000-*.tsv.gz")))
    date = lambda path: os.path.basename(path)[:10]
    parts = {"train": [path for path in files if date(path) <= LAST_DAY], "test": [path for path in files if "2000-12-02" <= date(path) <= "2000-12-08"]}
    for part, chosen in parts.items():
        shutil.rmtree(os.path.join(into, part), ignore_errors=True)
        os.makedirs(os.path.join(into, part))
        with open(os.path.join(into, part + ".csv"), "w", encoding="utf-8") as out:
            for k, path in enumerate(chosen):
                shutil.copy(path, os.path.join(into, part))
                with gzip.open(path, "rt", encoding="utf-8") as file:
                    lines = file.readlines()
                out.writelines(lines if k == 0 else lines[1:])


def tandem_commands(work, name):
    """Flags of `init`, of `train` beside --config and --run_dir, and the test file of `evaluate`."""
    _, _, label, positive, leaks = TABLES[name]
    into = folder(work, name)
    daily = name == "movielens"
    init = [f"--input={into}/train/*.tsv.gz" if daily else f"--input={into}/train.csv", f"--label={label}", f"--output={into}/experiment.pbtxt"]
    init += [] if positive == "1" else [f"--positive={positive}"]
    init += [f"--drop={','.join(leaks)}"] if leaks else []
    return init, [f"--end_date={LAST_DAY}"] if daily else [], f"--input={into}/test/*.tsv.gz" if daily else f"--input={into}/test.csv"


def read(work, name):
    """Training and test columns, their labels, and which columns are categories: those that pandas doesn't read as numbers."""
    import pandas
    _, delimiter, label, positive, leaks = TABLES[name]
    train, test = (pandas.read_csv(os.path.join(work, name, part + ".csv"), sep=delimiter, low_memory=False) for part in ("train", "test"))
    labels, test_labels = ((table.pop(label).astype(str) == positive).astype(int) for table in (train, test))
    train, test = train.drop(columns=leaks), test.drop(columns=leaks)
    # XGBoost refuses some characters in names, LightGBM others.
    train.columns = test.columns = [f"c{i}" for i in range(train.shape[1])]
    categorical = [column for column in train.columns if not pandas.api.types.is_numeric_dtype(train[column]) or
                   pandas.api.types.is_bool_dtype(train[column])]
    return train, labels, test, test_labels, categorical


def with_categories(train, test, categorical, as_text):
    """The columns as a library takes them: texts (CatBoost), or pandas categories, where one that training hasn't seen is missing."""
    import pandas
    for column in categorical:
        if as_text:
            train[column], test[column] = train[column].astype(str), test[column].astype(str)
        else:
            seen = pandas.CategoricalDtype(train[column].dropna().unique())
            train[column], test[column] = train[column].astype(seen), test[column].astype(seen)


def baselines(work, name):
    """AUC of scikit-learn's logistic regression on one-hot and standardised columns, and of its histogram gradient boosting."""
    import numpy
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler
    train, labels, test, test_labels, categorical = read(work, name)
    # Numbers of few values are categories, too.
    few = [column for column in train.columns if column not in categorical and train[column].nunique() <= 12]
    categorical = categorical + few
    numbers = [column for column in train.columns if column not in categorical]
    for table in (train, test):
        table[categorical] = table[categorical].astype(str)
    linear = make_pipeline(make_column_transformer((OneHotEncoder(handle_unknown="ignore", min_frequency=2), categorical),
                                                   (make_pipeline(SimpleImputer(), StandardScaler()), numbers)),
                           LogisticRegression(max_iter=500))
    found = {"logistic regression": roc_auc_score(test_labels, linear.fit(train, labels).predict_proba(test)[:, 1])}
    codes = []
    for table in (train, test):
        columns = [table[column].to_numpy(float) for column in numbers]
        columns += [train[column].value_counts().index[:250].get_indexer(table[column]) for column in categorical]
        codes.append(numpy.column_stack(columns).astype(float))
    trees = HistGradientBoostingClassifier(early_stopping=True, random_state=0).fit(codes[0], labels)
    found["gradient boosting"] = roc_auc_score(test_labels, trees.predict_proba(codes[1])[:, 1])
    return found
