"""Columns that refer to another table's key are found by their values."""

from rlm_local.collection import Collection

AIRLINES = "carrier,name\nAA,American\nDL,Delta\nUA,United\nWN,Southwest\n"
FLIGHTS = "flight,carrier,seats\n" + "".join(f"F{n},{('AA', 'DL', 'UA')[n % 3]},{n % 4 + 1}\n" for n in range(30))


def refers(documents: dict[str, str]) -> set[tuple[str, str, str, str]]:
    with Collection.of(documents) as collection:
        return {(r.table, r.column, r.to_table, r.to_column) for r in collection.references}


def test_codes_refer_to_the_table_that_has_them_all_once() -> None:
    assert refers({"airlines.csv": AIRLINES, "flights.csv": FLIGHTS}) == {("flights", "carrier", "airlines", "carrier")}


def test_numbers_that_happen_to_be_numbers_of_another_table_refer_to_nothing() -> None:
    ports = "id,city\n" + "".join(f"{n},City {chr(64 + n)}\n" for n in range(1, 9))
    assert refers({"ports.csv": ports, "flights.csv": FLIGHTS}) == set()


def test_numbers_refer_where_they_are_named_after_the_table() -> None:
    customers = "id,city\n" + "".join(f"{n},City {chr(64 + n)}\n" for n in range(1, 9))
    orders = "order,customer_id,amount\n" + "".join(f"O{n},{n % 8 + 1},{n * 1.5}\n" for n in range(40))
    found = refers({"customers.csv": customers, "orders.csv": orders})
    assert found == {("orders", "customer_id", "customers", "id")}


def test_arrays_of_json_records_refer_to_their_parents() -> None:
    text = (
        '{"orders": ['
        + ",".join(f'{{"name": "n{n}", "paid": {n}, "tags": ["t{n % 3}", "u{n % 5}"]}}' for n in range(20))
        + "]}"
    )
    found = refers({"orders.json": text})
    assert any(to == "orders" for _, _, to, _ in found), found


def test_codes_refer_where_they_are_named_after_the_table_and_its_key() -> None:
    provinces = "code,name\n" + "".join(f"{n},Province {n}\n" for n in range(11, 31))
    cities = "code,name,province_code\n" + "".join(f"{n},City {n},{n // 100}\n" for n in range(1101, 3001, 50))
    areas = "code,name,city_code\n" + "".join(f"{n * 50 + 110100},Area {n},{n % 38 * 50 + 1101}\n" for n in range(76))
    assert refers({"provinces.csv": provinces, "cities.csv": cities, "areas.csv": areas}) == {
        ("cities", "province_code", "provinces", "code"),
        ("areas", "city_code", "cities", "code"),
    }


def test_numbers_that_repeat_and_are_all_in_a_key_with_gaps_refer_to_it_whatever_they_are_called() -> None:
    artists = "id,name\n" + "".join(f"{n * n + 7},Artist {n}\n" for n in range(60))
    works = "work,id\n" + "".join(f"W{n},{(n % 40) ** 2 + 7}\n" for n in range(90))
    dense = "id,name\n" + "".join(f"{n},Shelf {n}\n" for n in range(1, 60))
    places = "work,id\n" + "".join(f"P{n},{n % 40 + 1}\n" for n in range(90))
    assert refers({"artists.csv": artists, "works.csv": works}) == {("works", "id", "artists", "id")}
    assert refers({"shelves.csv": dense, "places.csv": places}) == set()
